"""The main job from the command line: SoftmaxGLM and LogisticRegression compared on a data set of the user's."""
