//! The client for Amazon Cognito user pools: request validation, one request per call, classified errors.
//!
//! It sends what it is given and says what is known of the outcome; which code to send, and whether a
//! time step is still unspent, is its caller's business. The AWS SDK does the protocol. Three things are
//! done here because the SDK doesn't: arguments are checked before anything is sent, a request leaves at
//! most once, and an error tells whether its request can have arrived ([`Delivered`]).

mod authorization;
mod challenge;
mod classify;
mod client;
mod endpoint;
mod error;
mod exchange;
mod http;
mod region;
mod respondent;
mod session;
mod settings;
mod token;

pub use authorization::{Authorization, Defect, Refused};
pub use challenge::{NextChallenge, Responded, Tokens, device_name};
pub use client::{Answer, Client, Verified};
pub use endpoint::{Endpoint, EndpointUrl, UnusableUrl};
pub use error::{Delivered, Error, ErrorKind};
pub use region::{Region, UnknownRegion};
pub use respondent::{Proof, Respondent};
pub use session::Session;
pub use settings::Settings;
pub use token::AccessToken;
