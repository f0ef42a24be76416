"""SageMaker Studio: a domain in a VPC, its people and spaces, and what they find there."""

from .decisions import (
    PERSONAS,
    App,
    Canvas,
    Docker,
    EbsStorage,
    IdleShutdown,
    Limits,
    Persona,
    Profile,
    PublicInternet,
    SharedSpaces,
    Space,
    Studio,
)
from .personas import PersonaScope, statements
from .studio_domain import StudioDomain, StudioDomainConfig, StudioDomainOutputs

__all__ = [
    "PERSONAS",
    "App",
    "Canvas",
    "Docker",
    "EbsStorage",
    "IdleShutdown",
    "Limits",
    "Persona",
    "PersonaScope",
    "Profile",
    "PublicInternet",
    "SharedSpaces",
    "Space",
    "Studio",
    "StudioDomain",
    "StudioDomainConfig",
    "StudioDomainOutputs",
    "statements",
]
