"""Taking a voice's ONNX graph apart. The only place that needs the ``onnx`` package."""
