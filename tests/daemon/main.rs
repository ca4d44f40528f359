//! The daemon as seen by its clients on the bus: permissions, methods, operations and desktop services.

mod access;
mod challenge;
mod clients;
mod configuration;
mod contract;
mod desktop;
mod journal;
mod operations;
mod state_folder;
mod verify;
