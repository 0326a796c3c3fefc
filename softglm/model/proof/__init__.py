"""What is proved: how far the optimum is at the most, or that there is none."""
