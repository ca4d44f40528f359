//! What can be wrong with a configuration file, as one sentence each.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::{certificates, regular_file};

/// Why a configuration file is not used. Its text is one sentence with the file and the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    file: PathBuf,
    line: Option<usize>,
    problem: Problem,
}

impl Error {
    pub(super) fn of_file(file: &Path, problem: Problem) -> Self {
        Self { file: file.to_owned(), line: None, problem }
    }

    pub(super) fn at_line(file: &Path, line: usize, problem: Problem) -> Self {
        Self { file: file.to_owned(), line: Some(line), problem }
    }

    /// The line, counted from 1, if one is to blame.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// What is wrong.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    pub(super) fn is_not_found(&self) -> bool {
        matches!(
            self.problem,
            Problem::File(regular_file::Error::Unreadable(ErrorKind::NotFound | ErrorKind::NotADirectory))
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, " line {line}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for Error {}

/// What is wrong with a configuration file. Values are never repeated: one may be a secret in the wrong place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// It can't be read, isn't a regular file, or is too large.
    #[error("the file can't be used, since {0}; correct the file or its path")]
    File(regular_file::Error),
    /// Somebody else could change where codes are sent.
    #[error("the file must belong to you or to root; change its owner")]
    ForeignOwner,
    /// As [`Problem::ForeignOwner`].
    #[error("others may write this file; run chmod go-w on it")]
    WritableByOthers,
    /// Not TOML, in the parser's words.
    #[error("this is not TOML: {0}")]
    Syntax(String),
    /// A section that doesn't exist.
    #[error("unknown section [{name}]{}", or_did_you_mean(.nearest.as_deref(), '[', ']'))]
    UnknownSection {
        /// Its name.
        name: String,
        /// The nearest one that exists.
        nearest: Option<String>,
    },
    /// A key before the first section.
    #[error("the key \"{0}\" is outside of a section")]
    OutsideSection(String),
    /// A key that the section doesn't have.
    #[error("unknown key \"{key}\" in [{section}]{}", or_did_you_mean(.nearest.as_deref(), '"', '"'))]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it is.
        section: String,
        /// The nearest one that exists.
        nearest: Option<String>,
    },
    /// Something that should be a section is a value.
    #[error("[{0}] must be a section with keys of its own")]
    NotASection(String),
    /// A value of the wrong type or outside its range.
    #[error("\"{key}\" in [{section}] must be {shape}")]
    Value {
        /// The key.
        key: String,
        /// Where it is.
        section: String,
        /// What it must be.
        shape: String,
    },
    /// Something that should be an array of tables is something else.
    #[error("[[{0}]] must be written with double brackets, once for each")]
    NotTables(String),
    /// Asking a person is for a later version.
    #[error("\"{0}\" can't be \"ask\" yet, which a later version will know; use \"allow\" or \"deny\"")]
    Ask(String),
    /// A rule for nobody.
    #[error(
        "[[access.rule]] needs \"caller\": \"flatpak:ID\", \"unit:NAME\", \"executable:/PATH\" or \"unknown\""
    )]
    NoCaller,
    /// A rule that decides nothing.
    #[error("[[access.rule]] decides nothing; give it \"read_code\", \"submit\" or \"manage\"")]
    EmptyRule,
    /// One client can't have more than all.
    #[error("\"{0}\" in [limits] must not be larger than \"{1}\"")]
    LargerThan(&'static str, &'static str),
    /// A profile's name can't be part of a D-Bus object path.
    #[error(
        "the profile name \"{0}\" becomes part of a D-Bus path and may have 1 to 64 letters A-Z, a-z, digits and _ only"
    )]
    ProfileName(String),
    /// A profile without a region.
    #[error("[{0}] needs \"region\" (or a \"user_pool_id\" that starts with one)")]
    NoRegion(String),
    /// A secret, and no app client that has it.
    #[error("[{0}] needs \"client_id\", the app client whose secret \"client_secret_credential\" is")]
    SecretOfNobody(String),
    /// A request that ends before its connection may have failed could have sent a code.
    #[error("\"connect_timeout\" in [cognito] must be shorter than \"request_timeout\"")]
    ConnectTimeout,
    /// The certificate authorities can't be read.
    #[error(
        "the file that \"ca_file\" in [cognito] names can't be used, since {0}; name a PEM file with certificates"
    )]
    CaFile(certificates::Error),
    /// Two settings that exclude each other.
    #[error("\"endpoint_url\" in [{section}] excludes \"{key}\" in [cognito]")]
    EndpointExcludes {
        /// The profile's section.
        section: String,
        /// The other key.
        key: &'static str,
    },
}

fn or_did_you_mean(nearest: Option<&str>, open: char, close: char) -> String {
    nearest.map(|name| format!("; did you mean {open}{name}{close}?")).unwrap_or_default()
}
