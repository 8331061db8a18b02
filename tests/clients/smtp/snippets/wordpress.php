<?php
// The documented settings for WP Mail SMTP, as that plug-in gives them to PHPMailer: encryption none, and the
// upgrade to TLS where the server offers it.
require '/usr/share/php/libphp-phpmailer/autoload.php';
use PHPMailer\PHPMailer\PHPMailer;

$mail = new PHPMailer(true);
$mail->Mailer      = 'smtp';
$mail->Host        = 'smtp.zidimails.com';
$mail->Port        = 2525;
$mail->SMTPSecure  = '';
$mail->SMTPAutoTLS = true;
$mail->SMTPAuth    = true;
$mail->Username    = 'apikey';
$mail->Password    = 'zm_live_YOUR_API_KEY';
$mail->CharSet     = 'UTF-8';
$mail->setFrom('you@yourdomain.com', 'Größe', false);
$mail->addAddress('recipient@example.com');
$mail->addBCC('secret@example.com');
$mail->Subject     = 'Größe: WordPress';
$mail->Body        = "Größe\r\n.\r\n..\r\nSent by WordPress.\r\n";
$mail->addStringAttachment(random_int(0, 0) . str_repeat("\x00\xff\r\n.\r\n", 1000), 'größe.bin');
$mail->send();
