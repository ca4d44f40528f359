//! The client for Amazon Cognito user pools: request validation, one request per call, classified errors.
//!
//! The client sends a code and returns the known outcome. Its caller chooses the code and checks that the time step is
//! unspent. The AWS SDK implements the protocol. This module adds three things that the SDK does not do: it checks
//! arguments before anything is sent, it sends a request at most once, and its errors state whether the request may have
//! arrived ([`Delivered`]).

mod authorization;
mod cause;
mod challenge;
mod classify;
mod client;
mod endpoint;
mod error;
mod exchange;
mod http;
mod refused;
mod region;
mod respondent;
mod session;
mod settings;
mod token;

pub use authorization::Authorization;
pub use cause::Cause;
pub use challenge::{NextChallenge, Responded, Tokens, device_name};
pub use client::{Answer, Client, Verified};
pub use endpoint::{Endpoint, EndpointUrl, UnusableUrl};
pub use error::{Delivered, Error, ErrorKind};
pub use http::load_system_authorities;
pub use refused::{Defect, Refused};
pub use region::{Region, UnknownRegion};
pub use respondent::{Proof, Respondent};
pub use session::Session;
pub use settings::Settings;
pub use token::AccessToken;
