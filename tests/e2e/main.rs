//! What Keysmith promises its users, tried on a real Envoy.

mod anonymous;
mod artifact;
mod basic_auth;
mod bearer;
mod configuration;
mod conformance;
mod demo;
mod documentation;
mod examples;
mod identity;
mod key_auth;
mod leaving;
mod lifecycle;
mod listeners;
mod metrics;
mod odd_requests;
mod outage;
mod paths;
mod propagation;
mod protocols;
mod rules;
mod secrecy;
mod tidy;
mod tls;
mod token;
mod traps;
