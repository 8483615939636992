import { boolean, className, int, list, long, password, string } from '../config-definition.ts'

/** Authentication, authorization and encryption. */
export const securityConfigs = {
  'allow.everyone.if.no.acl.found': boolean(false, 'Whether a resource without any ACL is open to everyone.', {
    use: 'accept',
  }),
  'authorizer.class.name': string('', 'What decides who may do what.', { use: 'accept' }),
  'super.users': list([], 'Principals that may do everything, separated by semicolons.', { use: 'accept' }),
  'principal.builder.class': className(
    'org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder',
    'Java class that names the principal of a connection; cannot be loaded.',
    { dynamic: 'broker', use: 'accept' },
  ),
  'delegation.token.expiry.check.interval.ms': long(3600000, 'How often expired delegation tokens are looked for.', {
    min: 1,
    use: 'accept',
  }),
  'delegation.token.expiry.time.ms': long(86400000, 'Life of a delegation token that is not renewed.', {
    min: 1,
    use: 'accept',
  }),
  'delegation.token.max.lifetime.ms': long(604800000, 'Longest life of a delegation token.', { min: 1, use: 'accept' }),
  'delegation.token.secret.key': password('Key that delegation tokens are signed with; without it there are none.', {
    use: 'accept',
  }),
  'sasl.enabled.mechanisms': list(['GSSAPI'], 'SASL mechanisms that are offered.', {
    dynamic: 'broker',
    use: 'accept',
  }),
  'sasl.server.max.receive.size': int(524288, 'Largest message of a SASL exchange.', { use: 'accept' }),
  'sasl.jaas.config': password('Users and passwords, or the options of a mechanism, in the syntax of JAAS.', {
    dynamic: 'broker',
    use: 'accept',
  }),
  'ssl.client.auth': string('none', 'Whether clients must show a certificate.', {
    oneOf: ['required', 'requested', 'none'],
    dynamic: 'broker',
    use: 'accept',
  }),
  'ssl.principal.mapping.rules': string('DEFAULT', 'How the name in a certificate becomes a principal.', {
    use: 'accept',
  }),
  'ssl.keystore.location': string(null, 'File of the certificate and its key.', { dynamic: 'broker', use: 'accept' }),
  'ssl.keystore.type': string('JKS', 'Format of the file of the certificate.', { dynamic: 'broker', use: 'accept' }),
  'ssl.keystore.password': password('Password of the file of the certificate.', { dynamic: 'broker', use: 'accept' }),
  'ssl.key.password': password('Password of the private key.', { dynamic: 'broker', use: 'accept' }),
  'ssl.keystore.certificate.chain': password('Certificate in PEM.', { dynamic: 'broker', use: 'accept' }),
  'ssl.keystore.key': password('Private key in PEM.', { dynamic: 'broker', use: 'accept' }),
  'ssl.truststore.location': string(null, 'File of the certificates that clients are checked against.', {
    dynamic: 'broker',
    use: 'accept',
  }),
  'ssl.truststore.type': string('JKS', 'Format of the file of trusted certificates.', {
    dynamic: 'broker',
    use: 'accept',
  }),
  'ssl.truststore.password': password('Password of the file of trusted certificates.', {
    dynamic: 'broker',
    use: 'accept',
  }),
  'ssl.truststore.certificates': password('Trusted certificates in PEM.', { dynamic: 'broker', use: 'accept' }),
  'ssl.enabled.protocols': list(['TLSv1.2', 'TLSv1.3'], 'Versions of TLS that are offered.', {
    dynamic: 'broker',
    use: 'accept',
  }),
  'ssl.cipher.suites': list([], 'Cipher suites that are offered; all of the runtime when empty.', {
    dynamic: 'broker',
    use: 'accept',
  }),
}
