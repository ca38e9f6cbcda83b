"use strict";
// Passkeys (www.w3.org/TR/webauthn-3): asks the browser, puts its answer into the form and sends that. What the form has no
// fields for stays in the browser.
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const asked = {
  create: ({ user, userName, displayName, algorithms, known }, challenge) => navigator.credentials.create({
    publicKey: {
      challenge,
      rp: { name: document.querySelector(".club").textContent },
      user: { id: bytes(user), name: userName, displayName },
      pubKeyCredParams: algorithms.split(" ").map((alg) => ({ type: "public-key", alg: Number(alg) })),
      excludeCredentials: known.split(" ").filter(Boolean).map((id) => ({ type: "public-key", id: bytes(id) })),
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
      attestation: "none",
    },
  }),
  get: (_, challenge) => navigator.credentials.get({ publicKey: { challenge, userVerification: "required" } }),
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  const fields = form.elements;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const credential = await asked[form.dataset.passkey](form.dataset, bytes(fields.challenge.value));
      const answer = credential.response;
      fields.client_data.value = text(answer.clientDataJSON);
      if (fields.attestation) fields.attestation.value = text(answer.attestationObject);
      if (fields.credential) {
        fields.credential.value = text(credential.rawId);
        fields.authenticator_data.value = text(answer.authenticatorData);
        fields.signature.value = text(answer.signature);
      }
    } catch {
      // Given up, or this device has the key already; the browser has said so.
      return;
    }
    form.submit();
  });
}
