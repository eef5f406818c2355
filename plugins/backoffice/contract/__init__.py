"""What was agreed: Data Processing Agreements and Statements of Work.

Light on purpose: pydantic and YAML only, for every DAG file reads it at parse.
"""

from backoffice.contract.dpa import Dpa
from backoffice.contract.gate import Refusal, RefusalCode, gate
from backoffice.contract.mistakes import ContractFileError, Mistake
from backoffice.contract.project import Project, check, load_dpa, load_project, load_sow, project_ids
from backoffice.contract.sow import InputSpec, OutputSpec, Retention, RetentionRule, Sow
from backoffice.contract.step import Step, step_words

__all__ = [
    "ContractFileError",
    "Dpa",
    "InputSpec",
    "Mistake",
    "OutputSpec",
    "Project",
    "Refusal",
    "RefusalCode",
    "Retention",
    "RetentionRule",
    "Sow",
    "Step",
    "check",
    "gate",
    "load_dpa",
    "load_project",
    "load_sow",
    "project_ids",
    "step_words",
]
