"""Settings of how networks are computed; no network is needed to read them."""

from dataclasses import dataclass

from synth2real.settings import choice


@dataclass(frozen=True)
class ComputeConfig:
    """What convolutions may use. Both change the last digits of every result."""

    convolutions: str = choice(
        "auto has oneDNN convolve on a CPU if it is there, xla never does", ["auto", "xla"]
    )
    precision: str = choice(
        "auto has oneDNN multiply bfloat16 if the processor is quicker at it, float32 never does",
        ["auto", "float32"],
    )
