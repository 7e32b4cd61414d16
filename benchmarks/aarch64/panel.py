"""The layers that kernels are judged on, of ResNet-50, SqueezeNet 1.0, VGG-16 and the stem."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class PanelLayer:
    """A square layer: input size, kernel, padding, stride, channels; ``height`` is cut where a layer takes too long."""

    size: int
    kernel: int
    pad: int
    stride: int
    cin: int
    cout: int
    height: int = 0

    @property
    def name(self) -> str:
        stride = f" s{self.stride}" if self.stride != 1 else ""
        return f"{self.size} {self.kernel}x{self.kernel}{stride} {self.cin}-{self.cout}"

    @property
    def input_height(self) -> int:
        return self.height or self.size

    @property
    def is_in_place(self) -> bool:
        """Whether im2col needs no matrix, so that it reads the input as direct does."""
        return (self.kernel, self.stride, self.pad) == (1, 1, 0)

    @property
    def macs(self) -> int:
        rows, columns = ((n + 2 * self.pad - self.kernel) // self.stride + 1 for n in (self.input_height, self.size))
        return rows * columns * self.kernel**2 * self.cin * self.cout

    def cut(self, most: float) -> PanelLayer:
        """The layer with as many input rows as keep its multiplications near ``most``."""
        if self.macs <= most:
            return self
        height = max(self.kernel, round(self.size * most / self.macs))
        return replace(self, height=height)

    def arguments(self) -> list[str]:
        """What one_layer.c wants, up to the algorithm."""
        numbers = (self.input_height, self.size, self.kernel, self.kernel, *[self.pad] * 4, self.stride)
        return [str(number) for number in (*numbers, self.cin, self.cout)]


PANEL = (
    PanelLayer(224, 7, 3, 2, 3, 64),
    PanelLayer(56, 1, 0, 1, 64, 64),
    PanelLayer(56, 3, 1, 1, 64, 64),
    PanelLayer(56, 1, 0, 1, 64, 256),
    PanelLayer(56, 1, 0, 2, 256, 512),
    PanelLayer(28, 3, 1, 1, 128, 128),
    PanelLayer(28, 1, 0, 1, 512, 128),
    PanelLayer(14, 3, 1, 1, 256, 256),
    PanelLayer(14, 1, 0, 1, 1024, 256),
    PanelLayer(7, 3, 1, 1, 512, 512),
    PanelLayer(7, 1, 0, 1, 2048, 512),
    PanelLayer(55, 3, 1, 1, 16, 64),
    PanelLayer(27, 3, 1, 1, 32, 128),
    PanelLayer(13, 3, 1, 1, 48, 192),
    PanelLayer(112, 3, 1, 1, 64, 128),
)
