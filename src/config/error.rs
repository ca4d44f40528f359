//! The errors of a configuration file, as one sentence each.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::{certificates, regular_file};

/// An error in a configuration file. Its text is one sentence with the file and the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    file: Box<Path>,
    line: Option<usize>,
    problem: Problem,
    /// The file that the faulty key names.
    named: Option<Box<PathBuf>>,
}

impl Error {
    pub(super) fn of_file(file: &Path, problem: Problem) -> Self {
        Self { file: file.into(), line: None, problem, named: None }
    }

    pub(super) fn at_line(file: &Path, line: usize, problem: Problem) -> Self {
        Self { file: file.into(), line: Some(line), problem, named: None }
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The line number from 1, if the error has a line.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// The kind of error.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The same error for a key that names this file, which is at fault.
    pub(super) fn naming(self, file: &Path) -> Self {
        Self { named: Some(Box::new(file.to_owned())), ..self }
    }

    /// The file that the faulty key names, if that file is at fault.
    pub(super) fn named_file(&self) -> Option<&Path> {
        self.named.as_deref().map(PathBuf::as_path)
    }

    pub(super) fn is_not_found(&self) -> bool {
        self.problem == Problem::File(regular_file::Error::Unreadable(ErrorKind::NotFound))
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

/// The kind of error in a configuration file. It contains no values, because a value may be a misplaced secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The file is not readable, is not a regular file, or is too large.
    #[error("the file is not usable, because {0}; correct the file or its path")]
    File(regular_file::Error),
    /// Another user owns the file, and could change the endpoint of codes.
    #[error("the file must belong to you or to root; change its owner")]
    ForeignOwner,
    /// Another user could write the file.
    #[error("other users can write this file; run chmod go-w on it")]
    WritableByOthers,
    /// A link leads to no file.
    #[error(
        "this path, or a folder in it, is a link to something that does not exist; correct or remove the link"
    )]
    Dangling,
    /// A user could change the policy.
    #[error(
        "the policy and its folder must belong to root, and only root may write to them; run chown root: and chmod go-w on them"
    )]
    PolicyNotOfRoot,
    /// The file is not TOML; the text is that of the parser.
    #[error("this is not TOML: {0}")]
    Syntax(String),
    /// An unknown section.
    #[error("unknown section [{name}]{}", or_did_you_mean(.nearest.as_deref(), '[', ']'))]
    UnknownSection {
        /// The name.
        name: String,
        /// The most similar known name.
        nearest: Option<String>,
    },
    /// A key before the first section.
    #[error("the key \"{0}\" is outside of a section")]
    OutsideSection(String),
    /// An unknown key.
    #[error("unknown key \"{key}\" in [{section}]{}", or_did_you_mean(.nearest.as_deref(), '"', '"'))]
    UnknownKey {
        /// The key.
        key: String,
        /// The section.
        section: String,
        /// The most similar known name.
        nearest: Option<String>,
    },
    /// A value instead of a section.
    #[error("[{0}] must be a section with its own keys")]
    NotASection(String),
    /// A key of a profile in `[profiles]`.
    #[error("\"{0}\" is in [profiles], which needs a name; write [profiles.work], for example")]
    UnnamedProfile(String),
    /// A value of the wrong type or outside its range.
    #[error("\"{key}\" in [{section}] must be {shape}")]
    Value {
        /// The key.
        key: String,
        /// The section.
        section: String,
        /// The required form.
        shape: String,
    },
    /// Something else instead of an array of tables.
    #[error("[[{0}]] must be written with double brackets, once for each")]
    NotTables(String),
    /// "ask" is planned for a later version.
    #[error("\"{0}\" can't be \"ask\" yet, which is planned; use \"allow\" or \"deny\"")]
    Ask(String),
    /// A slot without a key that it needs.
    #[error("[[hid.otp_slot]] needs \"{0}\"; a slot has \"serial\", \"slot\" and \"account\"")]
    SlotNeeds(&'static str),
    /// One slot of a key, twice.
    #[error("[[hid.otp_slot]] names a slot of this key again; give each slot one section")]
    SameSlot,
    /// A rule without a caller.
    #[error(
        "[[access.rule]] needs \"caller\": \"flatpak:ID\", \"unit:NAME\", \"executable:/PATH\" or \"unknown\""
    )]
    NoCaller,
    /// A rule that decides nothing.
    #[error("[[access.rule]] decides nothing; give it \"read_code\", \"submit\" or \"manage\"")]
    EmptyRule,
    /// A rule for a profile that does not exist.
    #[error("[[access.rule]] is for a profile that no file has; correct \"profile\" or add the profile")]
    RuleOfNoProfile,
    /// A rule of the policy for a profile, which a user defines.
    #[error(
        "[[access.rule]] of a policy can't have \"profile\", because users define profiles; use allowed_pools in [cognito]"
    )]
    PolicyOfProfile,
    /// A rule with a permission that no call with its scope needs.
    #[error("[[access.rule]] with \"{0}\" excludes \"{1}\", which is never about one; use a rule of its own")]
    RuleExcludes(&'static str, &'static str),
    /// The limit of one client is higher than that of all.
    #[error("\"{0}\" in [limits] must not be larger than \"{1}\"")]
    LargerThan(&'static str, &'static str),
    /// The name of a profile is invalid in a D-Bus object path.
    #[error(
        "the profile name \"{0}\" is part of a D-Bus path and must have 1 to 64 letters A-Z, a-z, digits and _ only"
    )]
    ProfileName(String),
    /// A profile without a region.
    #[error("[{0}] needs \"region\" (or a \"user_pool_id\" that starts with one)")]
    NoRegion(String),
    /// A client secret without an app client.
    #[error("[{0}] needs \"client_id\", the app client whose secret \"client_secret_credential\" is")]
    SecretOfNobody(String),
    /// A request that times out before the connection timeout would count as possibly sent.
    #[error("\"connect_timeout\" in [cognito] must be shorter than \"request_timeout\"")]
    ConnectTimeout,
    /// The certificate authorities are not usable.
    #[error(
        "the file of \"ca_file\" in [cognito] is not usable, because {0}; name a PEM file with certificates"
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
    nearest.map(|name| format!(" (did you mean {open}{name}{close}?)")).unwrap_or_default()
}
