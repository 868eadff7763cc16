"""What a run returned, which of its outputs methods look at, and what each of them means."""

from keras import tree

from keras_vat.forward.labels import as_labels
from keras_vat.forward.output_meaning import OutputMeaning
from keras_vat.forward.penalized_output import PenalizedOutput


class OutputsOfRuns:
    """Mix-in of `Forward`: its runs' outputs, and the labels that belong to them."""

    def _say(self, classifier, output, from_logits, loss, penalized_output):
        self._said = {"output": output, "from_logits": from_logits}
        self._loss = loss
        self._penalized = PenalizedOutput(penalized_output, classifier)
        self._meaning = None

    def _read(self, outputs, observed):
        """The `Reading` of the penalized output of a run."""
        penalized = self._penalized.of(outputs)
        if self._meaning is None:
            self._meaning = OutputMeaning(**self._said, loss=self._penalized.part(self._loss))
        return self._meaning.read(penalized, observed)

    def readings(self, x):
        """For every output its name, itself and its `Reading`, of one pass.

        An output beside the penalized one is read where its compiled loss, or the softmax or
        sigmoid that returns it, tells what it means; else its reading is `None`.
        """
        self._begin(x)
        outputs, observed, *_ = self.call(x)
        found = []
        for name, output in self._penalized.each(outputs):
            value, loss = output.of(outputs), output.part(self._loss)
            asked = not tree.is_nested(outputs) or self._penalized.is_said_to_be(value, outputs)
            tells = asked or loss is not None or observed.behind(value) is not None
            meaning = OutputMeaning(**(self._said if asked else {}), loss=loss)
            found.append((name, value, meaning.read(value, observed) if tells else None))
        return found

    def labels(self, x, y):
        """Of a batch's labels those of the penalized output, one tensor; `None` where none are."""
        return as_labels(self.penalized_part(x, as_labels(y)))

    def penalized_part(self, x, structure):
        """What of a batch's labels or sample weights belongs to the penalized output."""
        if isinstance(structure, (list, tuple, dict)):
            self.clean(x)  # tells the outputs
            return self._penalized.part(structure)
        return structure
