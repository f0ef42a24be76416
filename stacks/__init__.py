"""One class per Terraform state: wiring of modules, and what an environment file may say."""
