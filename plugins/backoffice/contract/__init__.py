"""What was agreed: Data Processing Agreements and Statements of Work.

Light on purpose: pydantic and YAML only, for every DAG file reads it at parse.
"""

from backoffice.contract.dpa import Dpa
from backoffice.contract.gate import Refusal, RefusalCode, gate, password_refusal
from backoffice.contract.incoming import Incoming
from backoffice.contract.inputs import (
    AnyInput,
    CsvInput,
    DocumentsInput,
    Input,
    InputColumn,
    JsonLinesInput,
    Lookup,
    ParquetInput,
    SpreadsheetInput,
)
from backoffice.contract.kind import Columns, Kind
from backoffice.contract.mistakes import ContractFileError, Mistake
from backoffice.contract.outputs import RESULT, AnyOutput, CsvOutput, FiledDocuments, Output, Part
from backoffice.contract.project import Project, check, load_dpa, load_project, load_sow, project_ids
from backoffice.contract.sow import INPUT, REJECTS, Retention, RetentionRule, Sow, Work
from backoffice.contract.step import Step, step_model, step_names, step_words
from backoffice.contract.suites import stray_suites, suite_of, suites_of

__all__ = [
    "INPUT",
    "REJECTS",
    "RESULT",
    "AnyInput",
    "AnyOutput",
    "Columns",
    "ContractFileError",
    "CsvInput",
    "CsvOutput",
    "DocumentsInput",
    "Dpa",
    "FiledDocuments",
    "Incoming",
    "Input",
    "InputColumn",
    "JsonLinesInput",
    "Kind",
    "Lookup",
    "Mistake",
    "Output",
    "ParquetInput",
    "Part",
    "Project",
    "Refusal",
    "RefusalCode",
    "Retention",
    "RetentionRule",
    "Sow",
    "SpreadsheetInput",
    "Step",
    "Work",
    "check",
    "gate",
    "load_dpa",
    "load_project",
    "load_sow",
    "password_refusal",
    "project_ids",
    "step_model",
    "step_names",
    "step_words",
    "stray_suites",
    "suite_of",
    "suites_of",
]
