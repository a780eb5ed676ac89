"""What the tests share: the pipeline under test, the referee, and makers of input."""
