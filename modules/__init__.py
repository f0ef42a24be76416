"""Reusable SageMaker constructs: one folder is one module; they know no environment, account or stack."""
