mod damaged;
mod migrations;
mod uris;

use super::{NewCredential, parse};

/// The seed `hello!\xde\xad\xbe\xef` of the wiki's example.
const SECRET: &str = "JBSWY3DPEHPK3PXP";

/// The credential of the URI, which is valid.
fn parsed(uri: &str) -> NewCredential {
    parse(uri).unwrap_or_else(|error| panic!("{uri}: {error}"))
}
