"""Models: estimators and preprocessing, digest, explanation, MLflow."""
