//! Certificate authorities to trust in addition to the system's.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::regular_file::{self, open_regular_file, read_at_most};

/// The maximum size of a PEM file; a bundle of all public certificate authorities is smaller.
const MAX_BYTES: u64 = 2 << 20;

/// Certificates in PEM format (RFC 7468), at least one, each usable as a trust anchor. Clones share them.
#[derive(Clone, PartialEq, Eq)]
pub struct CaCertificates {
    pem: Arc<[u8]>,
}

impl CaCertificates {
    /// Reads a PEM file of at most 2 MiB. May block.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::parse(read_at_most(open_regular_file(path)?, MAX_BYTES)?)
    }

    /// Checks the content of a PEM file.
    ///
    /// # Errors
    ///
    /// [`Error::Unusable`] and [`Error::Empty`].
    pub fn parse(pem: Vec<u8>) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|_| Error::Unusable)?;
            roots.add(certificate).map_err(|_| Error::Unusable)?;
        }
        if roots.is_empty() { Err(Error::Empty) } else { Ok(Self { pem: pem.into() }) }
    }

    /// The bytes of the PEM file.
    pub fn pem(&self) -> &[u8] {
        &self.pem
    }
}

impl fmt::Debug for CaCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaCertificates({} bytes)", self.pem.len())
    }
}

/// The reason why a file is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] regular_file::Error),
    /// A certificate is truncated or invalid.
    #[error("it contains an invalid certificate")]
    Unusable,
    /// There is no certificate.
    #[error("it contains no certificate in PEM format")]
    Empty,
}

#[cfg(test)]
mod tests {
    use rcgen::generate_simple_self_signed;

    use super::*;

    #[test]
    fn certificates_are_accepted_and_everything_else_is_refused() {
        let pem = generate_simple_self_signed(["cognito.example".to_owned()]).unwrap().cert.pem();
        let both = format!("{pem}\n# another\n{pem}");
        assert_eq!(CaCertificates::parse(both.clone().into_bytes()).unwrap().pem(), both.as_bytes());
        let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (text, error) in [
            ("", Error::Empty),
            ("no PEM", Error::Empty),
            (cut, Error::Unusable),
            (&format!("{pem}{cut}"), Error::Unusable),
        ] {
            assert_eq!(CaCertificates::parse(text.into()), Err(error), "{text}");
        }
    }

    #[test]
    fn only_a_regular_file_of_a_sensible_size_is_read() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(CaCertificates::read(directory.path()), Err(regular_file::Error::NotRegular.into()));
        let large = directory.path().join("large.pem");
        std::fs::File::create(&large).unwrap().set_len(MAX_BYTES + 1).unwrap();
        let too_large = regular_file::Error::TooLarge { limit: MAX_BYTES };
        assert_eq!(CaCertificates::read(&large), Err(too_large.into()));
    }
}
