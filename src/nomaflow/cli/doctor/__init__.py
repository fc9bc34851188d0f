"""What `nomaflow doctor` looks at; each file is one part of the body."""
