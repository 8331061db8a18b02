<?php
// The fields of WP Mail SMTP, as that plug-in gives them to PHPMailer: encryption none, and the upgrade to TLS where
// the server offers it.
require '/usr/share/php/libphp-phpmailer/autoload.php';
use PHPMailer\PHPMailer\PHPMailer;

$fields = [];
foreach (file($argv[1], FILE_IGNORE_NEW_LINES) as $line) {
    [$name, $value] = explode(':', $line, 2);
    $fields[$name] = trim($value);
}
$mail = new PHPMailer(true);
$mail->Mailer      = 'smtp';
$mail->Host        = $fields['SMTP Host'];
$mail->Port        = (int) $fields['SMTP Port'];
$mail->SMTPSecure  = $fields['Encryption'] === 'None' ? '' : 'tls';
$mail->SMTPAutoTLS = true;
$mail->SMTPAuth    = true;
$mail->Username    = $fields['SMTP Username'];
$mail->Password    = $fields['SMTP Password'];
$mail->CharSet     = 'UTF-8';
$mail->setFrom($fields['From Email'], 'Größe', false);
$mail->addAddress('recipient@example.com');
$mail->addBCC('secret@example.com');
$mail->Subject     = 'Größe: WordPress';
$mail->Body        = "Größe\r\n.\r\n..\r\nSent by WordPress.\r\n";
$mail->addStringAttachment(str_repeat("\x00\xff\r\n.\r\n", 1000), 'größe.bin');
$mail->send();
