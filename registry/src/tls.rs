//! TLS for the API listener.

use std::{io, path::Path, sync::Arc};

use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{self, ServerConfig, crypto},
};

use crate::config::TlsFiles;

/// Why the certificate or the key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is missing, unreadable, or holds no PEM of the right kind.
    #[error("{setting}: cannot use {path}: {source}")]
    File {
        /// The setting that names the file.
        setting: &'static str,
        /// The path as it was given.
        path: String,
        /// What is wrong.
        source: pem::Error,
    },
    /// The certificate file holds no certificate.
    #[error("tls_certificate_file: {0} holds no certificate")]
    NoCertificate(String),
    /// The two do not belong together, or are of a kind that is not supported.
    #[error("tls_certificate_file and tls_key_file cannot be used together: {0}")]
    Unusable(#[from] rustls::Error),
}

/// Reads certificate and key, and offers HTTP/2 before HTTP/1.1.
pub fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let certificate_error = |source| file_error("tls_certificate_file", &files.certificate, source);
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .map_err(certificate_error)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(certificate_error)?;
    if chain.is_empty() {
        let path = files.certificate.display().to_string();
        return Err(TlsError::NoCertificate(path));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|source| file_error("tls_key_file", &files.key, source))?;
    // The provider is a value: installing one for the process would be a global that tests share.
    let provider = Arc::new(crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn file_error(setting: &'static str, path: &Path, source: pem::Error) -> TlsError {
    // A parse error may quote the file, and the file may be the private key.
    let source = match source {
        pem::Error::Io(error) => pem::Error::Io(error),
        pem::Error::NoItemsFound => pem::Error::NoItemsFound,
        _ => pem::Error::Io(io::Error::new(io::ErrorKind::InvalidData, "it is not PEM")),
    };
    TlsError::File {
        setting,
        path: path.display().to_string(),
        source,
    }
}
