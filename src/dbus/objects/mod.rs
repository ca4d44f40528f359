//! The objects on the bus, one interface per file.

mod cognito;
mod credential;
mod manager;
mod operation;
mod profile;
mod prompt;
mod token;

pub(super) use cognito::CognitoObject;
pub(super) use credential::{CredentialObject, calculate, remove, rename};
pub(super) use manager::ManagerObject;
pub(super) use operation::{OperationObject, path as operation_path};
pub(super) use profile::{ProfileObject, Targets as ProfileTargets};
pub(super) use prompt::{PromptObject, View as PromptView};
pub(super) use token::{TokenObject, View as TokenView};
