//! Whose certificates the registry trusts when it makes requests.

use std::{path::Path, sync::Arc};

use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use tokio_rustls::rustls::{ClientConfig, Error, RootCertStore, crypto};

/// Why nobody can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file cannot be read, or holds no certificate.
    #[error("outgoing_ca_file: {0} holds no certificate in PEM that can be read")]
    File(String),
    /// TLS cannot be set up.
    #[error("TLS for requests of the registry: {0}")]
    Tls(#[from] Error),
}

/// Trust in the system's authorities, and in those in a file besides. A system without any trusts nobody else: requests
/// with TLS then fail one by one, and the registry serves all the same.
pub fn trust(file: Option<&Path>) -> Result<Arc<ClientConfig>, TrustError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = file {
        let unusable = || TrustError::File(path.display().to_string());
        let certificates = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|_| unusable())?;
        let (added, _) = roots.add_parsable_certificates(certificates);
        if added == 0 {
            return Err(unusable());
        }
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
