//! Which programs are measured: ours, an older build of them, and the bare ones.

use std::path::{Path, PathBuf};

use super::Failure;
use super::rig::Rig;

/// Folders of programs.
pub(crate) struct Builds {
    ours: PathBuf,
    pub(crate) old: Option<PathBuf>,
    bare: PathBuf,
}

impl Builds {
    /// The bare programs lie where this one does, and so do ours, if no other folder is given.
    pub(crate) fn new(ours: Option<PathBuf>, old: Option<PathBuf>) -> Result<Self, Failure> {
        let own = std::env::current_exe()?;
        let bare = own.parent().ok_or("the folder of this program is unknown")?.to_owned();
        Ok(Self { ours: ours.unwrap_or_else(|| bare.clone()), old, bare })
    }

    /// Our folder, and then the older one.
    pub(crate) fn daemons(&self) -> impl Iterator<Item = &Path> {
        [&self.ours].into_iter().chain(&self.old).map(PathBuf::as_path)
    }

    /// A rig of its own for each of our builds: none disturbs the others.
    pub(crate) async fn rigs(&self) -> Result<Vec<Rig>, Failure> {
        let mut rigs = Vec::new();
        for folder in self.daemons() {
            rigs.push(Rig::new(folder).await?);
        }
        Ok(rigs)
    }

    /// A rig for bare programs.
    pub(crate) async fn bare(&self) -> Result<Rig, Failure> {
        Rig::new(&self.bare).await
    }
}
