SELECT COUNT(*) AS charges
FROM rated_charges
