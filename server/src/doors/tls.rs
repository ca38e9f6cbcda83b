//! The embedded broker's own key and certificate, and clients that trust exactly one key.

use rcgen::{CertificateParams, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt;
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const KEY_FILE: &str = "broker-tls.key";
const CERTIFICATE_FILE: &str = "broker-tls.crt";

/// The broker's key or certificate could not be had.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read.
    #[error("cannot read {path}: see that it belongs to the user the server runs as")]
    Read { path: PathBuf, source: io::Error },
    /// A file could not be written.
    #[error(
        "cannot write {path}: see that its directory exists, is writable, and the disk is not full"
    )]
    Write { path: PathBuf, source: io::Error },
    /// The key file holds no key that can be used.
    #[error(
        "{path} holds no usable private key: restore it from a backup, or delete it and pair every agent again"
    )]
    Key { path: PathBuf, source: rcgen::Error },
    /// A new key or certificate could not be made.
    #[error("cannot make a key and certificate for the broker")]
    Make(#[source] rcgen::Error),
    /// The system's certificate authorities could not be used.
    #[error(
        "cannot use the certificate authorities of this system: install the package ca-certificates"
    )]
    SystemRoots(#[source] rustls::Error),
    /// The protocol settings are not supported by the cryptography in use.
    #[error("cannot set up TLS")]
    Protocol(#[source] rustls::Error),
}

/// SHA-256 of a certificate's `SubjectPublicKeyInfo`: whoever pins this trusts that key, whatever certificate it wears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPin(pub [u8; 32]);

impl KeyPin {
    /// The pin of the key in this certificate.
    pub fn of(certificate: &CertificateDer<'_>) -> Result<Self, rustls::Error> {
        let parsed = ParsedCertificate::try_from(certificate)?;
        Ok(Self(
            Sha256::digest(parsed.subject_public_key_info()).into(),
        ))
    }
}

/// Where the broker's certificate and key lie, and what agents pin.
#[derive(Debug, Clone)]
pub struct BrokerIdentity {
    /// PEM file of the self-signed certificate.
    pub certificate: PathBuf,
    /// PEM file of the private key, readable by its owner only.
    pub key: PathBuf,
    pin: KeyPin,
}

impl BrokerIdentity {
    /// Reads the key in this directory, or makes one; a certificate that is missing or of another key is made anew.
    pub fn load_or_create(keys_dir: &Path) -> Result<Self, TlsError> {
        let key = keys_dir.join(KEY_FILE);
        let certificate = keys_dir.join(CERTIFICATE_FILE);
        let pair = match fs::read_to_string(&key).map(Zeroizing::new) {
            Ok(pem) => {
                close_to_others(&key)?;
                KeyPair::from_pem(&pem).map_err(|source| TlsError::Key {
                    path: key.clone(),
                    source,
                })?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let pair = KeyPair::generate().map_err(TlsError::Make)?;
                write_whole(&key, 0o600, &Zeroizing::new(pair.serialize_pem()))?;
                pair
            }
            Err(source) => return Err(TlsError::Read { path: key, source }),
        };
        let pin =
            KeyPin(Sha256::digest(rcgen::PublicKeyData::subject_public_key_info(&pair)).into());
        if pin_in(&certificate)? != Some(pin) {
            let params = CertificateParams::new(["goodstanding-broker".to_owned()])
                .map_err(TlsError::Make)?;
            let made = params.self_signed(&pair).map_err(TlsError::Make)?;
            write_whole(&certificate, 0o644, &made.pem())?;
        }
        Ok(Self {
            certificate,
            key,
            pin,
        })
    }

    /// What agents pin. It belongs to the key and outlives the certificate.
    #[must_use]
    pub fn pin(&self) -> KeyPin {
        self.pin
    }
}

fn pin_in(path: &Path) -> Result<Option<KeyPin>, TlsError> {
    match fs::read(path) {
        Ok(pem) => Ok(CertificateDer::from_pem_slice(&pem)
            .ok()
            .and_then(|found| KeyPin::of(&found).ok())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(TlsError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

fn close_to_others(path: &Path) -> Result<(), TlsError> {
    let mode = fs::metadata(path)
        .map_err(|source| TlsError::Read {
            path: path.to_owned(),
            source,
        })?
        .permissions()
        .mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    tracing::warn!(path = %path.display(), "the broker's private key was readable by others; closing it to them");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(|source| TlsError::Write {
        path: path.to_owned(),
        source,
    })
}

fn write_whole(path: &Path, mode: u32, text: &str) -> Result<(), TlsError> {
    let temporary = path.with_extension("new");
    let write = || -> io::Result<()> {
        match fs::remove_file(&temporary) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        path.parent()
            .map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    };
    write().map_err(|source| TlsError::Write {
        path: path.to_owned(),
        source,
    })
}

/// Makes ring the process's provider of cryptography, unless one was chosen before.
pub fn install_crypto() {
    // The only error is that a provider is installed already, which is as good.
    drop(ring::default_provider().install_default());
}

/// How a client knows that it speaks with the right broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The broker holds exactly this key; its certificate's names and dates mean nothing.
    PinnedKey(KeyPin),
    /// The broker's certificate is vouched for by an authority this system trusts.
    SystemRoots,
}

impl Trust {
    /// Settings for a TLS client that trusts in this way.
    pub fn client_config(self) -> Result<ClientConfig, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Protocol)?;
        let builder = match self {
            Self::PinnedKey(pin) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(PinnedKeyVerifier::new(pin, &provider))),
            Self::SystemRoots => builder
                .with_platform_verifier()
                .map_err(TlsError::SystemRoots)?,
        };
        Ok(builder.with_no_client_auth())
    }
}

/// Accepts any certificate of one key. Dates are not looked at: a pinned key does not expire, and clocks can be wrong.
#[derive(Debug)]
struct PinnedKeyVerifier {
    pin: KeyPin,
    algorithms: WebPkiSupportedAlgorithms,
}

impl PinnedKeyVerifier {
    fn new(pin: KeyPin, provider: &CryptoProvider) -> Self {
        Self {
            pin,
            algorithms: provider.signature_verification_algorithms,
        }
    }
}

impl ServerCertVerifier for PinnedKeyVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if KeyPin::of(end_entity)?.0.ct_eq(&self.pin.0).into() {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn certificate(identity: &BrokerIdentity) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(&identity.certificate).expect("a certificate")
    }

    #[test]
    fn the_key_and_its_pin_survive_a_restart_and_a_lost_certificate() {
        let keys = TempDir::new().expect("a directory");
        let first = BrokerIdentity::load_or_create(keys.path()).expect("made");
        assert_eq!(KeyPin::of(&certificate(&first)), Ok(first.pin()));

        let made = certificate(&first);
        let again = BrokerIdentity::load_or_create(keys.path()).expect("read");
        assert_eq!((again.pin(), certificate(&again)), (first.pin(), made));

        fs::remove_file(&first.certificate).expect("there was one");
        let renewed = BrokerIdentity::load_or_create(keys.path()).expect("made again");
        assert_eq!(KeyPin::of(&certificate(&renewed)), Ok(first.pin()));
    }

    #[test]
    fn a_certificate_of_another_key_is_replaced_and_a_broken_key_is_an_error() {
        let (keys, others) = (
            TempDir::new().expect("a directory"),
            TempDir::new().expect("a directory"),
        );
        let own = BrokerIdentity::load_or_create(keys.path()).expect("made");
        let other = BrokerIdentity::load_or_create(others.path()).expect("made");
        assert_ne!(own.pin(), other.pin());

        fs::copy(&other.certificate, &own.certificate).expect("copied");
        let repaired = BrokerIdentity::load_or_create(keys.path()).expect("repaired");
        assert_eq!(KeyPin::of(&certificate(&repaired)), Ok(own.pin()));

        fs::write(&own.key, "no key").expect("written");
        assert!(matches!(
            BrokerIdentity::load_or_create(keys.path()),
            Err(TlsError::Key { .. })
        ));
        assert_eq!(fs::read_to_string(&own.key).expect("still there"), "no key");
    }

    #[test]
    fn only_its_owner_reads_the_key() {
        let keys = TempDir::new().expect("a directory");
        let identity = BrokerIdentity::load_or_create(keys.path()).expect("made");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&identity.key), 0o600);

        fs::set_permissions(&identity.key, fs::Permissions::from_mode(0o644)).expect("opened");
        BrokerIdentity::load_or_create(keys.path()).expect("read");
        assert_eq!(mode(&identity.key), 0o600);
    }
}
