//! The checksum database (<https://go.dev/ref/mod#checksum-database>): a log of all modules' hashes that can't be changed unnoticed.
//!
//! ```text
//! note     who signed a text                      signatures
//! record   what a database says                   tree heads, records
//! merkle   the tree over a log's records          proofs of inclusion and consistency
//! tile     how the tree is published              hashes that a tree head vouches for
//! proof    what the lock keeps of an answer       verified without the network
//! server   GOSUMDB                                key, URL, mirrors
//! store    what the user's cache keeps            the latest tree head
//! client   lookups                                all of these together
//! ```

mod client;
pub mod merkle;
pub mod note;
pub mod proof;
pub mod record;
mod server;
mod store;
pub mod tile;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::cache::Cache;
use super::goenv::{GoEnv, matches_any};
use super::proxy::Proxy;
use crate::digest::H1;
use crate::error::{Class, Error, Result};
use crate::module::ModuleId;
use crate::name::ModulePath;
use client::{Client, State};
use note::Verifier;
use proof::{Proof, Proven};
use server::Server;

/// The checksum database that the user's settings name, and what was learnt from it.
pub struct Database {
    gosumdb: String,
    /// Glob patterns of modules that it isn't asked about.
    private: String,
    accept_unverified: bool,
    pins: BTreeMap<ModuleId, Pin>,
    server: OnceLock<Server>,
    state: State,
}

/// What a lock has of a module.
#[derive(Clone, Debug)]
pub struct Pin {
    /// The hash of its zip.
    pub h1: H1,
    /// Why that is right, if a database said so.
    pub proof: Option<Proof>,
}

/// Whether a hash is known to be right.
#[derive(Clone, Debug)]
pub enum Trust {
    /// The database vouches for it.
    Proven(Box<Proven>),
    /// Nobody vouches for it, which the user has accepted.
    Accepted,
}

impl Database {
    /// The database of GOSUMDB; nothing is sent yet.
    pub fn new(env: &GoEnv) -> Database {
        Database {
            gosumdb: env.gosumdb.clone(),
            private: env.gonosumdb.clone(),
            accept_unverified: false,
            pins: BTreeMap::new(),
            server: OnceLock::new(),
            state: State::default(),
        }
    }

    /// Whether to go on without proof where the database can't be asked or doesn't know a module. What it says is never overruled.
    pub fn accept_unverified(self, accept_unverified: bool) -> Database {
        Database { accept_unverified, ..self }
    }

    /// Adds what a lock has: its proofs are as good as answers if they can be verified, and its hashes must stay.
    pub fn with_pins(self, pins: BTreeMap<ModuleId, Pin>) -> Database {
        Database { pins, ..self }
    }

    /// The hash that the lock has.
    pub fn pinned(&self, id: &ModuleId) -> Option<H1> {
        self.pins.get(id).map(|pin| pin.h1)
    }

    /// The key whose signatures count. When the database is switched off, that is Go's: it only isn't asked.
    ///
    /// # Errors
    ///
    /// A malformed GOSUMDB.
    pub fn verifier(&self) -> Result<Verifier> {
        if self.is_off() { Server::default_verifier() } else { Ok(self.server()?.verifier.clone()) }
    }

    /// Whether a module is one that the database may not hear of.
    pub fn is_private(&self, path: &ModulePath) -> bool {
        matches_any(&self.private, path.as_str())
    }

    fn is_off(&self) -> bool {
        self.gosumdb == "off"
    }

    fn server(&self) -> Result<&Server> {
        if let Some(server) = self.server.get() {
            return Ok(server);
        }
        let server = Server::parse(&self.gosumdb)?;
        Ok(self.server.get_or_init(|| server))
    }

    /// Proves a module's hashes.
    ///
    /// # Errors
    ///
    /// No database that could be asked, no record of the module (unless that is accepted), or one that isn't proven.
    pub fn prove(&self, id: &ModuleId, cache: &Cache, proxy: &Proxy) -> Result<Trust> {
        if let Some(proof) = self.pins.get(id).and_then(|pin| pin.proof.clone())
            && let Ok(proven) = proof.verify(id, &self.verifier()?)
        {
            return Ok(Trust::Proven(Box::new(proven)));
        }
        match self.look_up(id, cache, proxy) {
            Ok(proven) => Ok(Trust::Proven(Box::new(proven))),
            Err(error) if error.class() != Class::Environment => Err(error),
            Err(_) if self.accept_unverified => Ok(Trust::Accepted),
            Err(error) => {
                let accept = "`godirect lock --accept-unverified` pins it without proof, and the lock says so";
                let advice = error.advice().map_or_else(|| accept.to_owned(), |advice| format!("{advice}; or {accept}"));
                Err(Error::environment(format!("failed to verify {id}: {}", error.message())).help(advice))
            }
        }
    }

    fn look_up(&self, id: &ModuleId, cache: &Cache, proxy: &Proxy) -> Result<Proven> {
        if self.is_off() {
            return Err(Error::environment("the checksum database is disabled by GOSUMDB=off"));
        }
        Client::new(self.server()?, &self.state, cache, proxy).lookup(id)
    }
}
