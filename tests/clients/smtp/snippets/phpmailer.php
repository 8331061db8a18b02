<?php
// The documented snippet for PHPMailer, as it is printed.
require '/usr/share/php/libphp-phpmailer/autoload.php';
use PHPMailer\PHPMailer\PHPMailer;

$mail = new PHPMailer(true);
$mail->isSMTP();
$mail->Host       = 'smtp.zidimails.com';
$mail->SMTPAuth   = true;
$mail->Port       = 2525;
$mail->Username   = 'apikey';
$mail->Password   = 'zm_live_YOUR_API_KEY';
$mail->setFrom('you@yourdomain.com', 'Your Name');
$mail->addAddress('recipient@example.com');
$mail->Subject    = 'Hello from ZidiMail SMTP';
$mail->Body       = '<p>Sent via SMTP relay.</p>';
$mail->isHTML(true);
$mail->send();
