//! COSE_Sign1 (RFC 9052) with Ed25519; the topic is signed along, so no message can be moved to another place.

use crate::keys::{KeyId, PublicKey, Signer};
use coset::{
    CoseSign1, CoseSign1Builder, HeaderBuilder, RegisteredLabelWithPrivate, TaggedCborSerializable,
    iana,
};

/// The largest message that is looked at, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// What a message is, as the content type in its protected header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The newest revision of a zone's list.
    Head,
    /// A zone's rules.
    Policy,
    /// One change of a zone's list.
    Delta,
    /// An agent's doors and keys.
    Config,
    /// An answer to a request.
    Sync,
    /// What an agent asks for.
    Request,
    /// What an agent holds.
    Report,
    /// Badge events.
    Events,
    /// What the server has committed.
    Ack,
    /// What an agent is told to do once.
    Command,
    /// What came of it.
    Result,
    /// The server's side of pairing.
    Pairing,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Head,
        Self::Policy,
        Self::Delta,
        Self::Config,
        Self::Sync,
        Self::Request,
        Self::Report,
        Self::Events,
        Self::Ack,
        Self::Command,
        Self::Result,
        Self::Pairing,
    ];

    fn content_type(self) -> &'static str {
        match self {
            Self::Head => "gs1/head",
            Self::Policy => "gs1/policy",
            Self::Delta => "gs1/delta",
            Self::Config => "gs1/config",
            Self::Sync => "gs1/sync",
            Self::Request => "gs1/request",
            Self::Report => "gs1/report",
            Self::Events => "gs1/events",
            Self::Ack => "gs1/ack",
            Self::Command => "gs1/command",
            Self::Result => "gs1/result",
            Self::Pairing => "gs1/pairing",
        }
    }
}

/// A message that changes nothing, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Over [`MAX_BYTES`].
    #[error("too large: {0} bytes")]
    TooLarge(usize),
    /// Not an envelope, or cut short.
    #[error("not a signed message")]
    Envelope,
    /// Made for a version or a kind that this one does not know.
    #[error("of an unknown version or kind")]
    Version,
    /// Signed by somebody else.
    #[error("signed by a key that does not count here")]
    Key,
    /// The signature does not fit the bytes, the topic or the key.
    #[error("the signature does not fit")]
    Signature,
    /// Rightly signed, but another kind than this topic carries.
    #[error("of another kind than its topic carries")]
    Kind,
    /// Rightly signed, but not readable.
    #[error("the signed content is not readable")]
    Body,
}

/// A message whose signature fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What it is.
    pub kind: Kind,
    /// Who signed it.
    pub signer: KeyId,
    /// The signed bytes.
    pub body: Vec<u8>,
}

impl Opened {
    /// Reads the body as a message of the expected kind.
    pub fn read<'b, M: minicbor::Decode<'b, ()>>(&'b self, kind: Kind) -> Result<M, WireError> {
        if self.kind != kind {
            return Err(WireError::Kind);
        }
        minicbor::decode(&self.body).map_err(|_| WireError::Body)
    }
}

/// Signs a message for one topic.
#[must_use]
pub fn seal<M: minicbor::Encode<()>>(
    kind: Kind,
    topic: &str,
    message: &M,
    signer: &Signer,
) -> Vec<u8> {
    let body = minicbor::to_vec(message).expect("writing to memory cannot fail");
    let protected = HeaderBuilder::new()
        .algorithm(iana::Algorithm::EdDSA)
        .key_id(signer.id().0.to_vec())
        .content_type(kind.content_type().to_owned())
        .build();
    CoseSign1Builder::new()
        .protected(protected)
        .payload(body)
        .create_signature(topic.as_bytes(), |message| signer.sign(message).to_vec())
        .build()
        .to_tagged_vec()
        .expect("writing to memory cannot fail")
}

/// Opens a message that came by one topic; `find` tells which keys count.
pub fn open(
    bytes: &[u8],
    topic: &str,
    find: impl Fn(KeyId) -> Option<PublicKey>,
) -> Result<Opened, WireError> {
    if bytes.len() > MAX_BYTES {
        return Err(WireError::TooLarge(bytes.len()));
    }
    let envelope = CoseSign1::from_tagged_slice(bytes).map_err(|_| WireError::Envelope)?;
    let header = &envelope.protected.header;
    if header.alg != Some(RegisteredLabelWithPrivate::Assigned(iana::Algorithm::EdDSA)) {
        return Err(WireError::Version);
    }
    let kind = match &header.content_type {
        Some(coset::ContentType::Text(text)) => Kind::ALL
            .into_iter()
            .find(|kind| kind.content_type() == text)
            .ok_or(WireError::Version)?,
        Some(coset::ContentType::Assigned(_)) | None => return Err(WireError::Version),
    };
    let signer = KeyId(
        header
            .key_id
            .as_slice()
            .try_into()
            .map_err(|_| WireError::Key)?,
    );
    let key = find(signer).ok_or(WireError::Key)?;
    envelope.verify_signature(topic.as_bytes(), |signature, message| {
        if key.verify(message, signature) {
            Ok(())
        } else {
            Err(WireError::Signature)
        }
    })?;
    let body = envelope.payload.ok_or(WireError::Envelope)?;
    Ok(Opened { kind, signer, body })
}
