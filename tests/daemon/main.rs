//! The daemon as its clients on the bus meet it: who may call, what a call does, and what else it does on the desktop.

mod access;
mod challenge;
mod clients;
mod contract;
mod desktop;
mod operations;
mod verify;
