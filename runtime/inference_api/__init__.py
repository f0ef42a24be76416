"""The Lambda function behind the inference API: from HTTP to SageMaker endpoints, and back."""
