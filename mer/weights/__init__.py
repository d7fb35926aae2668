"""Where runs live and what their weight files are: ours, the published ones, ONNX; the engines that run them."""
