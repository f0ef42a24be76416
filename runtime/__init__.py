"""Code that runs in AWS: one folder per Lambda function, with nothing else of this repository in it."""
