"""Faults of distributions over whole numbers."""

TESTS = {"whole_numbers": "discretized_logistic"}

FAULTS = {
    "whole_numbers": [
        ("-infinity, start - 0.5)", "-infinity, start)"),
        ("tf.where(stop > tf.floor(self._high), infinity,", "tf.where(stop > infinity, infinity,"),
        ("tf.equal(value, tf.floor(value)) & tf", "tf"),
    ],
    "conditional_parts": [
        ("value[..., :start])", "value[..., start:])"),
    ],
    "integer_events": [
        ("tf.constant(self._num_levels - 1, dtype)", "tf.constant(self._num_levels, dtype)"),
        ("count - 1 for count in levels", "count for count in levels"),
    ],
    "discretized_logistic_mixture": [
        ("tf.nn.log_softmax(self._logits)", "self._logits"),
    ],
}
