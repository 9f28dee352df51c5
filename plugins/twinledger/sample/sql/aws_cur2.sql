-- AWS Cost and Usage Report 2.0, as Data Exports write it in Parquet: maps, doubles, rates as text.
-- Source of the columns: reference, section 1.2 and appendix A1. Charges on demand have a private rate: they are
-- unblended before it and net after it.

CREATE VIEW aws_cur2 AS
SELECT
    CASE kind WHEN 'refund' THEN 'Refund' WHEN 'purchase' THEN 'Purchase' ELSE 'Anniversary' END AS bill_bill_type,
    'AWS' AS bill_billing_entity,
    starts_at + INTERVAL 1 MONTH AS bill_billing_period_end_date,
    starts_at AS bill_billing_period_start_date,
    STRFTIME(starts_at, '%Y%m') || '5822' AS bill_invoice_id,
    'Amazon Web Services EMEA SARL' AS bill_invoicing_entity,
    '410200300100' AS bill_payer_account_id,
    'Nimbus Group' AS bill_payer_account_name,
    MAP {'channel': 'online'} AS cost_category,
    CASE WHEN kind = 'usage' THEN MAP {'private_rate': CAST(billed - listed AS DOUBLE)} END AS discount,
    CAST(NULL AS DOUBLE) AS discount_bundled_discount,
    CAST(NULL AS DOUBLE) AS discount_total_discount,
    MD5(line || ':' || CAST(number AS VARCHAR) || ':' || CAST(started_at AS VARCHAR)) AS identity_line_item_id,
    STRFTIME(started_at, '%Y-%m-%dT%H:%M:%SZ') || '/' || STRFTIME(ended_at, '%Y-%m-%dT%H:%M:%SZ')
        AS identity_time_interval,
    CASE WHEN resource IS NOT NULL THEN region || SUBSTR('abc', CAST(resource_no % 3 AS INTEGER) + 1, 1) END
        AS line_item_availability_zone,
    CAST(billed AS DOUBLE) AS line_item_blended_cost,
    CAST(NULL AS VARCHAR) AS line_item_blended_rate,
    'USD' AS line_item_currency_code,
    'Amazon Web Services EMEA SARL' AS line_item_legal_entity,
    CASE
        WHEN kind = 'tax' THEN 'Tax for product code ' || service
        WHEN kind = 'credit' THEN 'AWS Activate credit'
        WHEN kind = 'refund' THEN 'Refund for ' || sku
        WHEN kind = 'negation' THEN 'SavingsPlanNegation used by AccountId : ' || account
        WHEN kind = 'purchase' THEN 'Sign up charge for ' || sku || ' Reserved Instances, 1 year Partial Upfront'
        WHEN kind = 'fee' AND commitment LIKE '%savingsplan%' THEN '1 year No Upfront Compute Savings Plan'
        WHEN kind IN ('fee', 'unused') THEN 'Linux/UNIX, ' || sku || ' reserved instance'
        ELSE '$' || CAST(list_rate AS VARCHAR) || ' per ' || unit || ' of ' || sku
    END AS line_item_line_item_description,
    CASE
        WHEN kind = 'usage' THEN 'Usage'
        WHEN kind = 'covered' AND commitment LIKE '%savingsplan%' THEN 'SavingsPlanCoveredUsage'
        WHEN kind = 'covered' THEN 'DiscountedUsage'
        WHEN kind = 'negation' THEN 'SavingsPlanNegation'
        WHEN kind IN ('fee', 'unused') AND commitment LIKE '%savingsplan%' THEN 'SavingsPlanRecurringFee'
        WHEN kind IN ('fee', 'unused') THEN 'RIFee'
        WHEN kind = 'purchase' THEN 'Fee'
        WHEN kind = 'credit' THEN 'Credit'
        WHEN kind = 'refund' THEN 'Refund'
        ELSE 'Tax'
    END AS line_item_line_item_type,
    CASE WHEN kind = 'usage' THEN CAST(billed AS DOUBLE) END AS line_item_net_unblended_cost,
    CASE WHEN kind = 'usage' THEN CAST(billed_rate AS VARCHAR) END AS line_item_net_unblended_rate,
    CAST(NULL AS DOUBLE) AS line_item_normalization_factor,
    CAST(NULL AS DOUBLE) AS line_item_normalized_usage_amount,
    CASE WHEN kind = 'tax' THEN NULL WHEN service = 'AmazonS3' THEN 'StandardStorage' ELSE 'RunInstances' END
        AS line_item_operation,
    service AS line_item_product_code,
    resource AS line_item_resource_id,
    CASE WHEN kind = 'tax' THEN 'VAT' END AS line_item_tax_type,
    CAST(CASE WHEN kind = 'usage' THEN listed ELSE billed END AS DOUBLE) AS line_item_unblended_cost,
    CASE
        WHEN kind = 'usage' THEN CAST(list_rate AS VARCHAR)
        WHEN kind = 'covered' THEN CAST(billed_rate AS VARCHAR)
    END AS line_item_unblended_rate,
    account AS line_item_usage_account_id,
    'nimbus-data' AS line_item_usage_account_name,
    CAST(quantity AS DOUBLE) AS line_item_usage_amount,
    ended_at AS line_item_usage_end_date,
    started_at AS line_item_usage_start_date,
    CASE WHEN kind <> 'tax' THEN CASE WHEN sku LIKE 'm_i.%' THEN 'EU-BoxUsage:' || sku ELSE sku END END
        AS line_item_usage_type,
    CASE WHEN kind <> 'tax' THEN 'USD' END AS pricing_currency,
    CASE WHEN commitment LIKE '%reserved-instances%' THEN '1yr' END AS pricing_lease_contract_length,
    CASE WHEN commitment LIKE '%reserved-instances%' THEN 'standard' END AS pricing_offering_class,
    CASE WHEN kind IN ('usage', 'covered') THEN CAST(listed AS DOUBLE) END AS pricing_public_on_demand_cost,
    CASE WHEN kind IN ('usage', 'covered') THEN CAST(list_rate AS VARCHAR) END AS pricing_public_on_demand_rate,
    CASE WHEN commitment LIKE '%reserved-instances%' THEN 'Partial Upfront' END AS pricing_purchase_option,
    CASE WHEN kind <> 'tax' THEN sku_id || '.JRTCKXETXF.6YS6EN2CT7' END AS pricing_rate_code,
    CASE WHEN kind <> 'tax' THEN sku_id || '7001' END AS pricing_rate_id,
    CASE
        WHEN commitment LIKE '%reserved-instances%' THEN 'Reserved'
        WHEN kind IN ('usage', 'covered') THEN 'OnDemand'
    END AS pricing_term,
    CASE WHEN kind <> 'tax' THEN unit END AS pricing_unit,
    MAP {
        'product_name':
        CASE service
            WHEN 'AmazonEC2' THEN 'Amazon Elastic Compute Cloud'
            WHEN 'AmazonS3' THEN 'Amazon Simple Storage Service'
            ELSE 'Savings Plans for AWS Compute usage'
        END
    } AS product,
    CAST(NULL AS VARCHAR) AS product_comment,
    CAST(NULL AS VARCHAR) AS product_fee_code,
    CAST(NULL AS VARCHAR) AS product_fee_description,
    CAST(NULL AS VARCHAR) AS product_from_location,
    CAST(NULL AS VARCHAR) AS product_from_location_type,
    CAST(NULL AS VARCHAR) AS product_from_region_code,
    CASE WHEN sku LIKE 'm_i.%' THEN 'General purpose' END AS product_instance_family,
    CASE WHEN kind <> 'tax' AND sku LIKE 'm_i.%' THEN sku END AS product_instance_type,
    CAST(NULL AS VARCHAR) AS product_instancesku,
    CASE WHEN kind <> 'tax' THEN 'EU (Frankfurt)' END AS product_location,
    CAST(NULL AS VARCHAR) AS product_location_type,
    CAST(NULL AS VARCHAR) AS product_operation,
    CAST(NULL AS VARCHAR) AS product_pricing_unit,
    CASE
        WHEN resource LIKE '%:pod/%' THEN 'Compute'
        WHEN service = 'AmazonS3' THEN 'Storage'
        WHEN resource IS NOT NULL THEN 'Compute Instance'
    END AS product_product_family,
    CASE WHEN kind <> 'tax' THEN region END AS product_region_code,
    service AS product_servicecode,
    CASE WHEN kind <> 'tax' THEN sku_id END AS product_sku,
    CAST(NULL AS VARCHAR) AS product_to_location,
    CAST(NULL AS VARCHAR) AS product_to_location_type,
    CAST(NULL AS VARCHAR) AS product_to_region_code,
    CAST(NULL AS VARCHAR) AS product_usagetype,
    CAST(NULL AS DOUBLE) AS reservation_amortized_upfront_cost_for_usage,
    CAST(NULL AS DOUBLE) AS reservation_amortized_upfront_fee_for_billing_period,
    CAST(NULL AS VARCHAR) AS reservation_availability_zone,
    CASE WHEN kind = 'covered' AND commitment LIKE '%reserved-instances%' THEN CAST(effective AS DOUBLE) END
        AS reservation_effective_cost,
    CAST(NULL AS VARCHAR) AS reservation_end_time,
    CAST(NULL AS VARCHAR) AS reservation_modification_status,
    CAST(NULL AS DOUBLE) AS reservation_net_amortized_upfront_cost_for_usage,
    CAST(NULL AS DOUBLE) AS reservation_net_amortized_upfront_fee_for_billing_period,
    CAST(NULL AS DOUBLE) AS reservation_net_effective_cost,
    CAST(NULL AS DOUBLE) AS reservation_net_recurring_fee_for_usage,
    CAST(NULL AS DOUBLE) AS reservation_net_unused_amortized_upfront_fee_for_billing_period,
    CAST(NULL AS DOUBLE) AS reservation_net_unused_recurring_fee,
    CAST(NULL AS DOUBLE) AS reservation_net_upfront_value,
    CAST(NULL AS DOUBLE) AS reservation_normalized_units_per_reservation,
    CAST(NULL AS DOUBLE) AS reservation_number_of_reservations,
    CAST(NULL AS DOUBLE) AS reservation_recurring_fee_for_usage,
    CASE WHEN commitment LIKE '%reserved-instances%' THEN commitment END AS reservation_reservation_a_r_n,
    CAST(NULL AS VARCHAR) AS reservation_start_time,
    CAST(NULL AS VARCHAR) AS reservation_subscription_id,
    CAST(NULL AS DOUBLE) AS reservation_total_reserved_normalized_units,
    CAST(NULL AS DOUBLE) AS reservation_total_reserved_units,
    CAST(NULL AS DOUBLE) AS reservation_units_per_reservation,
    CASE
        WHEN kind = 'unused' AND commitment LIKE '%reserved-instances%' THEN CAST(effective AS DOUBLE)
        -- As some reports have it where there is nothing to say.
        WHEN kind = 'fee' AND commitment LIKE '%reserved-instances%' THEN CAST('NaN' AS DOUBLE)
    END AS reservation_unused_amortized_upfront_fee_for_billing_period,
    CAST(NULL AS DOUBLE) AS reservation_unused_normalized_unit_quantity,
    CASE WHEN kind = 'unused' AND commitment LIKE '%reserved-instances%' THEN CAST(quantity AS DOUBLE) END
        AS reservation_unused_quantity,
    CASE WHEN kind IN ('fee', 'unused') AND commitment LIKE '%reserved-instances%' THEN CAST(0 AS DOUBLE) END
        AS reservation_unused_recurring_fee,
    CAST(NULL AS DOUBLE) AS reservation_upfront_value,
    CASE
        WHEN kind IN ('usage', 'covered', 'unused')
            THEN MAP {'user_tenant': tenant, 'user_department': department, 'user_cost_centre': cost_centre}
    END AS resource_tags,
    CASE WHEN kind IN ('fee', 'unused') AND commitment LIKE '%savingsplan%' THEN CAST(0 AS DOUBLE) END
        AS savings_plan_amortized_upfront_commitment_for_billing_period,
    CAST(NULL AS VARCHAR) AS savings_plan_end_time,
    CAST(NULL AS VARCHAR) AS savings_plan_instance_type_family,
    CAST(NULL AS DOUBLE) AS savings_plan_net_amortized_upfront_commitment_for_billing_period,
    CAST(NULL AS DOUBLE) AS savings_plan_net_recurring_commitment_for_billing_period,
    CAST(NULL AS DOUBLE) AS savings_plan_net_savings_plan_effective_cost,
    CASE WHEN commitment LIKE '%savingsplan%' THEN 'ComputeSavingsPlans' END AS savings_plan_offering_type,
    CASE WHEN commitment LIKE '%savingsplan%' THEN 'No Upfront' END AS savings_plan_payment_option,
    CASE WHEN commitment LIKE '%savingsplan%' THEN '1yr' END AS savings_plan_purchase_term,
    CASE WHEN kind IN ('fee', 'unused') AND commitment LIKE '%savingsplan%' THEN CAST(billed AS DOUBLE) END
        AS savings_plan_recurring_commitment_for_billing_period,
    CAST(NULL AS VARCHAR) AS savings_plan_region,
    CASE WHEN commitment LIKE '%savingsplan%' THEN commitment END AS savings_plan_savings_plan_a_r_n,
    CASE WHEN kind = 'covered' AND commitment LIKE '%savingsplan%' THEN CAST(effective AS DOUBLE) END
        AS savings_plan_savings_plan_effective_cost,
    CASE WHEN kind = 'covered' AND commitment LIKE '%savingsplan%' THEN CAST(effective_rate AS DOUBLE) END
        AS savings_plan_savings_plan_rate,
    CAST(NULL AS VARCHAR) AS savings_plan_start_time,
    CASE WHEN kind = 'fee' AND commitment LIKE '%savingsplan%' THEN CAST(billed AS DOUBLE) END
        AS savings_plan_total_commitment_to_date,
    CASE WHEN kind = 'fee' AND commitment LIKE '%savingsplan%' THEN CAST(billed AS DOUBLE) END
        AS savings_plan_used_commitment,
    CASE WHEN aside THEN 'i-m6i-00000000' END AS split_line_item_parent_resource_id,
    CASE WHEN aside THEN CAST(quantity * 0.001 AS DOUBLE) END AS split_line_item_split_cost,
    CAST(NULL AS MAP(VARCHAR, VARCHAR)) AS tags
FROM charges;
