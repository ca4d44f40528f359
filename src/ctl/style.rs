//! The form of the output, from the options that all commands have.

/// The form of the output.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Style {
    /// JSON on standard output.
    pub(super) json: bool,
    /// Nothing on standard error but failures.
    pub(super) quiet: bool,
    /// One object of JSON a line.
    pub(super) is_in_lines: bool,
}
