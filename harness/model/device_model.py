"""Models of phones (configs/devices): sourced facts about their CPUs, to name real phones and to build virtual ones."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from harness.model import catalog
from harness.model.layer import problem
from harness.model.source import load, validate

_CONFIG = ConfigDict(frozen=True, extra="allow", strict=True)  # notes and sources beside the facts are kept


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Ints = Annotated[tuple[Annotated[int, Field(ge=0, le=0xFFFFFFFF)], ...], BeforeValidator(_tuple)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_tuple)]


class Midr(BaseModel):
    """A core type: the fields of MIDR_EL1, and the register itself."""

    model_config = _CONFIG
    implementer: int = Field(ge=0, le=0xFF)
    part: int = Field(ge=0, le=0xFFF)
    variant: int = Field(default=0, ge=0, le=0xF)
    revision: int = Field(default=0, ge=0, le=0xF)
    value: int = Field(ge=0, le=0xFFFFFFFF)

    @model_validator(mode="after")
    def _consistent(self) -> Midr:
        register = self.implementer << 24 | self.variant << 20 | 0xF << 16 | self.part << 4 | self.revision
        if self.value != register:
            raise problem(
                f"{self.value:#x} given, but the fields make it {register:#x}", "Correct one of them.", "value"
            )
        return self


class Frequencies(BaseModel):
    """Clock steps in kHz, ascending; ``boost_khz`` are steps that scaling_available_frequencies leaves out."""

    model_config = _CONFIG
    khz: Ints = Field(min_length=1)
    min_khz: int
    max_khz: int
    boost_khz: Ints = ()
    cpuinfo_max_khz: int | None = None


class Capacity(BaseModel):
    """A relative capacity as the device tree gives it."""

    model_config = _CONFIG
    value: int = Field(ge=1)


class CacheSizes(BaseModel):
    """Cache sizes in KiB; None where no source was found."""

    model_config = _CONFIG
    l1d_kib: int | None = None
    l1i_kib: int | None = None
    l2_kib: int | None = None
    l2_shared_by: str = ""


class ModelCluster(BaseModel):
    """CPUs of one core type and clock domain."""

    model_config = _CONFIG
    name: str
    cpus: Ints = Field(min_length=1)
    core: str
    midr: Midr | None = None  # of Arm cores
    freq: Frequencies | None = None
    capacity_dmips_mhz: Capacity | None = None
    capacity_mips: Capacity | None = None
    caches: CacheSizes = CacheSizes()

    @property
    def capacity(self) -> int | None:
        """The device tree's capacity value, comparable within one phone only; None where no source was found."""
        found = self.capacity_dmips_mhz or self.capacity_mips
        return found.value if found else None


class Abis(BaseModel):
    """ABIs in the order of ro.product.cpu.abilist."""

    model_config = _CONFIG
    list: Texts = Field(min_length=1)


class Features(BaseModel):
    """``proc_cpuinfo``: the Features line (x86: flags) that a process of the first ABI reads; x86 may leave it out."""

    model_config = _CONFIG
    proc_cpuinfo: str = ""


class Thermal(BaseModel):
    """Thermal zones: type -> what it measures; ``unit`` of their readings, in words."""

    model_config = _CONFIG
    by_zone: dict[str, str] = {}
    unit: str = "millidegree"

    @property
    def scale(self) -> float:
        """Degrees Celsius per unit of a reading."""
        return {"decidegree": 0.1, "degree": 1.0}.get(self.unit.split()[0] if self.unit else "", 0.001)


class Identity(BaseModel):
    """Names and system properties; the ``ro.*`` ones are in DeviceModel.properties."""

    model_config = _CONFIG
    codename: str = ""
    models: Texts = Field(min_length=1)
    android_seen: str = ""
    proc_cpuinfo_hardware: str = ""


class DeviceModel(BaseModel):
    """One phone. Keys beyond those named here (notes, sources) are kept in ``model_extra``."""

    model_config = _CONFIG
    id: str
    name: str
    identity: Identity
    soc: str
    abis: Abis
    features: Features
    clusters: Annotated[tuple[ModelCluster, ...], BeforeValidator(_tuple)] = Field(min_length=1)
    thermal: Thermal = Thermal()
    cpufreq_driver: str = ""
    sources: dict[str, str] = {}

    @model_validator(mode="after")
    def _distinct_cpus(self) -> DeviceModel:
        seen: set[int] = set()
        for index, cluster in enumerate(self.clusters):
            if seen & set(cluster.cpus) or len(set(cluster.cpus)) < len(cluster.cpus):
                raise problem("a CPU is given twice", "Give each CPU to one cluster.", "clusters", index, "cpus")
            seen |= set(cluster.cpus)
        return self

    @property
    def cpus(self) -> tuple[int, ...]:
        """All CPU numbers, ascending."""
        return tuple(sorted(cpu for cluster in self.clusters for cpu in cluster.cpus))

    @property
    def models(self) -> tuple[str, ...]:
        """Values of ro.product.model that this file describes."""
        return self.identity.models

    @property
    def properties(self) -> dict[str, str]:
        """System properties (``ro.*``) with a source."""
        extra = self.identity.model_extra or {}
        return {key: str(value) for key, value in extra.items() if key.startswith("ro.")}

    @property
    def page_size(self) -> int:
        """Bytes; 4096 where the file says nothing."""
        given: Any = (self.model_extra or {}).get("page_size")
        size = given.get("bytes") if isinstance(given, dict) else None
        return size if isinstance(size, int) else 4096


def load_device_model(name_or_path: str) -> DeviceModel:
    """A shipped device model by name, or one from a YAML file. Raises UsageError."""
    return validate(DeviceModel, load(catalog.find("devices", "device model", name_or_path)))


def load_device_models() -> dict[str, DeviceModel]:
    """All shipped device models by name."""
    return {name: load_device_model(name) for name in catalog.names("devices")}


def recognise(product_model: str, models: Iterable[DeviceModel]) -> DeviceModel | None:
    """The model whose ro.product.model values hold this one."""
    return next((model for model in models if product_model in model.models), None)


def known_name(product_model: str) -> str:
    """What people call a model ("Samsung Galaxy S8 (Exynos 8895)" for SM-G950F); empty where it is not known."""
    return _known_names().get(product_model, "")


@cache
def _known_names() -> dict[str, str]:
    """By ro.product.model, of the first file that has it: a run of 200 phones reads the files once."""
    names: dict[str, str] = {}
    for model in load_device_models().values():
        for each in model.models:
            names.setdefault(each, model.name)
    return names
