"""What a value in the files means: held against a model, its tokens replaced, its secret opened."""
