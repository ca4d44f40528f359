//! The measured programs: those of oathbridge, an older build of them, and the bare programs.

use std::path::{Path, PathBuf};

use super::Failure;
use super::rig::Rig;

/// The folders of the programs.
pub(crate) struct Builds {
    ours: PathBuf,
    pub(crate) old: Option<PathBuf>,
    bare: PathBuf,
}

impl Builds {
    /// The bare programs are in the folder of this program. So are those of oathbridge, unless `ours` is another folder.
    pub(crate) fn new(ours: Option<PathBuf>, old: Option<PathBuf>) -> Result<Self, Failure> {
        let own = std::env::current_exe()?;
        let bare = own.parent().ok_or("the folder of this program is unknown")?.to_owned();
        Ok(Self { ours: ours.unwrap_or_else(|| bare.clone()), old, bare })
    }

    /// The folder of the current build, and then that of the older build.
    pub(crate) fn daemons(&self) -> impl Iterator<Item = &Path> {
        [&self.ours].into_iter().chain(&self.old).map(PathBuf::as_path)
    }

    /// A separate rig for each build of oathbridge, so that the builds do not affect each other.
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
