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
        ("condition &= tf.equal(exact, tf.floor(exact))", "condition &= True"),
        ("(exact >= low) & (exact <= high)", "exact >= low"),
    ],
    "discretized_logistic_mixture": [
        ("tf.nn.log_softmax(self._logits)", "self._logits"),
    ],
}
