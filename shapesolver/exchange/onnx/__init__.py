"""ONNX models in and out. The ``onnx`` package is imported by what needs it, when it needs it."""
