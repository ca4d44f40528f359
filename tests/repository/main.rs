//! Consistency of the repository's files with each other, with the programs and with the tools that read them.

mod additions;
mod debian_packages;
mod dependencies;
mod hid_models;
mod layers;
mod manuals;
mod messages;
mod packages;
mod packaging;
mod released;
mod rust_version;
mod shipping;
mod udev_rules;
mod wording;
mod words;
