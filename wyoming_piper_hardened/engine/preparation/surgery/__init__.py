"""Analysis and cutting of a voice's ONNX graph."""
