//! TLS to a broker known by its key, or by the system's authorities.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The cryptography at hand cannot do it.
    #[error("the cryptography of this build cannot do it")]
    Protocol(#[source] Error),
    /// The system's authorities could not be read.
    #[error(
        "cannot read the certificate authorities of this system: install the package ca-certificates"
    )]
    Authorities(#[source] Error),
}

/// Settings that trust exactly the pinned key, or without a pin the system's authorities.
pub fn config(pin: Option<[u8; 32]>) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Protocol)?;
    let builder = match pin {
        Some(pin) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Pinned { pin, provider })),
        None => builder
            .with_platform_verifier()
            .map_err(TlsError::Authorities)?,
    };
    Ok(builder.with_no_client_auth())
}

/// Accepts whoever proves to hold one key. Names and dates do not matter: a door's clock may be years behind.
#[derive(Debug)]
struct Pinned {
    pin: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
        if Sha256::digest(key).as_slice() == self.pin {
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
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, PublicKeyData};
    use rustls::pki_types::PrivateKeyDer;
    use rustls::{ClientConnection, ServerConfig, ServerConnection};

    /// A broker's side with a key of its own, and the pin of that key.
    fn broker() -> (ServerConnection, [u8; 32]) {
        let key = KeyPair::generate().expect("a key");
        let certificate = CertificateParams::new(["broker".to_owned()])
            .expect("a name")
            .self_signed(&key);
        let pin = Sha256::digest(key.subject_public_key_info()).into();
        let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("usual versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.expect("signs itself").der().clone()],
                private,
            );
        (
            ServerConnection::new(Arc::new(config.expect("they fit"))).expect("a connection"),
            pin,
        )
    }

    fn shake_hands(mut broker: ServerConnection, pin: [u8; 32]) -> Result<(), Error> {
        let name = ServerName::try_from("10.0.0.7").expect("an address");
        let mut agent = ClientConnection::new(Arc::new(config(Some(pin)).expect("sets up")), name)?;
        while agent.is_handshaking() || broker.is_handshaking() {
            let mut bytes = Vec::new();
            agent.write_tls(&mut bytes).expect("to memory");
            broker.read_tls(&mut bytes.as_slice()).expect("from memory");
            broker.process_new_packets()?;
            bytes.clear();
            broker.write_tls(&mut bytes).expect("to memory");
            agent.read_tls(&mut bytes.as_slice()).expect("from memory");
            agent.process_new_packets()?;
        }
        Ok(())
    }

    #[test]
    fn the_broker_with_the_pinned_key_is_trusted_whatever_its_certificate_says() {
        let (broker, pin) = broker();
        shake_hands(broker, pin).expect("they agree");
    }

    #[test]
    fn a_broker_with_another_key_is_not() {
        let (impostor, _) = broker();
        let (_, pin) = broker();
        assert!(shake_hands(impostor, pin).is_err());
    }
}
