<?php
// The .env of Laravel gives its SMTP transport, which is Symfony Mailer's, these settings: MAIL_ENCRYPTION=null is
// the scheme smtp.
require '/usr/share/php/Symfony/Component/Mailer/autoload.php';
use Symfony\Component\Mailer\Mailer;
use Symfony\Component\Mailer\Transport;
use Symfony\Component\Mime\Email;

$env = parse_ini_file($argv[1], false, INI_SCANNER_RAW);
$password = rawurlencode($env['MAIL_PASSWORD']);
$dsn = "{$env['MAIL_MAILER']}://{$env['MAIL_USERNAME']}:{$password}@{$env['MAIL_HOST']}:{$env['MAIL_PORT']}";
(new Mailer(Transport::fromDsn($dsn)))->send((new Email())
    ->from($env['MAIL_FROM_ADDRESS'])
    ->to('recipient@example.com')
    ->subject('Größe: Hello from ZidiMail SMTP')
    ->text("Größe\n.\n..\nSent via SMTP relay.\n")
    ->html('<p>Größe, sent via SMTP relay.</p>')
    ->attach("a;b\n1;ä\n", 'größe.csv', 'text/csv'));
