// Whoever is asked to sign in is signed in, and whatever a client asks for is granted: no test is about that.
export function autoInteractions(provider) {
  provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith('/interaction/')) return next();
    const { prompt, params, session, grantId } = await provider.interactionDetails(ctx.req, ctx.res);
    const result = prompt.name === 'login'
      ? { login: { accountId: 'somebody' } }
      : { consent: { grantId: await grant(provider, params, session, grantId) } };
    ctx.respond = false;
    await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
  });
}

async function grant(provider, params, session, grantId) {
  const given = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  given.addOIDCScope(params.scope);
  return given.save();
}
