"""Sagewright: SageMaker platforms from YAML, through a plan gate, onto AWS or the embedded AWS."""
