"""What a fit says beyond its predictions: covariance, tests, intervals and effects."""
