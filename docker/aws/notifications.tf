# A queue that a bucket tells of new objects below a prefix, and a policy for who reads them.
# Needs a provider "aws"; attach the policy to the role that Twinledger runs as.

variable "bucket" {
  type        = string
  description = "The bucket that bills are delivered to."
}

variable "prefix" {
  type        = string
  description = "The folder of it, without slashes at its ends."
}

data "aws_caller_identity" "current" {}

resource "aws_sqs_queue" "unreadable" {
  name                      = "twinledger-deliveries-unreadable"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "deliveries" {
  name                       = "twinledger-deliveries"
  visibility_timeout_seconds = 120
  message_retention_seconds  = 86400 # older ones are of no use: the daily run has looked
  receive_wait_time_seconds  = 10
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.unreadable.arn
    maxReceiveCount     = 10
  })
}

data "aws_iam_policy_document" "notify" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.deliveries.arn]

    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = ["arn:aws:s3:::${var.bucket}"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_sqs_queue_policy" "notify" {
  queue_url = aws_sqs_queue.deliveries.url
  policy    = data.aws_iam_policy_document.notify.json
}

# A bucket has one such resource: add the block to yours where there is one already.
resource "aws_s3_bucket_notification" "bills" {
  bucket = var.bucket

  queue {
    queue_arn     = aws_sqs_queue.deliveries.arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = "${var.prefix}/"
  }

  depends_on = [aws_sqs_queue_policy.notify]
}

data "aws_iam_policy_document" "twinledger" {
  statement {
    actions   = ["s3:ListBucket"]
    resources = ["arn:aws:s3:::${var.bucket}"]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.prefix}/*"]
    }
  }

  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::${var.bucket}/${var.prefix}/*"]
  }

  statement {
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
    resources = [aws_sqs_queue.deliveries.arn]
  }
}

resource "aws_iam_policy" "twinledger" {
  name   = "twinledger-read-bills"
  policy = data.aws_iam_policy_document.twinledger.json
}

output "queue_url" {
  value       = aws_sqs_queue.deliveries.url
  description = "TWINLEDGER_EVENTS__QUEUE_URL"
}
